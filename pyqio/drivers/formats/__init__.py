"""Formats: how bytes are laid out."""
