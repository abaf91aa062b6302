"""The lines of the Test Anything Protocol that these programs print."""

number = 0


def ok(condition, what, *details):
    """Print a line for a test, and below one that failed what is known of it."""
    global number
    number += 1
    print("%sok %d - %s" % ("" if condition else "not ", number, what), flush=True)
    if not condition:
        for detail in details:
            print("# " + str(detail).replace("\n", "\n# "), flush=True)


def end():
    """Print how many tests there were, and return it."""
    print("1..%d" % number, flush=True)
    return number
