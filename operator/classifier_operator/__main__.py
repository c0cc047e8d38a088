"""`python -m classifier_operator` is the console script."""

from classifier_operator.cli import main

if __name__ == "__main__":
    main()
