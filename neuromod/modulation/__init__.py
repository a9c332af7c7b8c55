"""Modulators, systems of them, and critics whose errors drive them."""
