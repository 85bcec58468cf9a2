"""``python -m potmeter`` and ``torchrun -m potmeter``."""

from potmeter.cli import main

if __name__ == "__main__":
    main()
