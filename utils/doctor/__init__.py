"""Says whether this machine is ready, and how to mend what is not: python -m utils.doctor [--tests].

Runs on a bare Python with nothing installed. The syntax is kept to Python 3.7's, so that somebody whose Python
is too old reads a sentence about it and not a SyntaxError.
"""
