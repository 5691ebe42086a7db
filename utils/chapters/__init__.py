"""What belongs to one chapter alone: its explorables, its exercises, its trained runs; course.toml is the register."""
