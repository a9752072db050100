"""What staff may see and do, and the API by which they do it."""
