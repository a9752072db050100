"""What is done to break the promise, and how it is seen that it held: see README.md."""
