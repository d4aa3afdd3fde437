"""`python -m hertzian`: the command, where its script is not on the path."""

from hertzian.cli.app import main

if __name__ == "__main__":
    main()
