"""Chapter 01, back-propagation: its explorables, its exercises, its trained runs."""
