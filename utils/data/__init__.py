"""Data for the chapters: real where an installed package ships it, else from generators whose truth is known."""
