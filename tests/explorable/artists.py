"""What the tests of explorables ask of a picture: its artists, and the heights of a staircase."""


def shown(explorable, **values):
    """The artists as they are at a setting."""
    return drawn(explorable, **values)[0]


def drawn(explorable, **values):
    """The artists at a setting, and the read-out."""
    _, readout = explorable.at(**values)
    return explorable.scene.artists, readout


def heights(stairs):
    return stairs.get_data().values
