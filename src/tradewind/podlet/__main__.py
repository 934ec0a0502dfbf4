"""`python -m tradewind.podlet --home DIR`."""

from tradewind.podlet.main import main

if __name__ == "__main__":
    main()
