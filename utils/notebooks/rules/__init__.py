"""The rules that check applies; check.py lists them."""
