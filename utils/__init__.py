"""The course's own library: the mathematics in nn, the witness in crosscheck, the explorables, the exercises."""
