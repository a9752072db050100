"""The commands, by who uses them. They parse, call and print; what they call is loaded then."""
