"""Measures event stores beside the bare driver and other event stores, on work that a coordinator makes."""
