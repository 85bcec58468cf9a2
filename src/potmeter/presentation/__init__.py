"""What the frontends (command line, gallery, tour) share: flags, calls, facts, media as HTML, errors in one line."""
