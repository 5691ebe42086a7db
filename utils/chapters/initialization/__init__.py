"""Chapter 03, initialization: its explorables and its exercises."""
