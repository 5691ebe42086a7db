"""Chapter 01, back-propagation: its explorables and its exercises."""
