"""What of an outcome does not depend on how fast it was."""

from dataclasses import asdict


def lasting(outcome):
    """Return an outcome as plain data without its times."""
    times = ("seconds", "busy", "step_seconds")

    def timeless(data):
        return {key: value for key, value in data.items() if key not in times}

    return timeless(asdict(outcome)) | {"curve": [timeless(point) for point in outcome.curve]}
