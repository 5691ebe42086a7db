"""The tour: every notebook in a real browser, everything in it touched, timed and looked at. See `python -m utils.explorable.tour -h`."""
