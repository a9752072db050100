"""The scheduled jobs: one module each, imported only when it runs (``chalicelib.running``)."""
