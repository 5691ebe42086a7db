"""What the tests of explorables ask of a picture: its artists, and the heights of a staircase."""


def shown(explorable, **values):
    """The artists as they are at a setting."""
    explorable.at(**values)
    return explorable.scene.artists


def heights(stairs):
    return stairs.get_data().values
