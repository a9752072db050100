"""Invitations: who was asked to answer, how far each came, and what keeps anybody from being asked
twice."""
