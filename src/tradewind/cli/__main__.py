"""`python -m tradewind.cli`."""

from tradewind.cli.main import main

if __name__ == "__main__":
    main()
