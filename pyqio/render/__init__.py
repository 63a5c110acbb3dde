"""Renderers: results to text."""
