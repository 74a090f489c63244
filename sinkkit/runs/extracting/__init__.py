"""Data in: pages become a sealed package in the form that its destination wants, now or in a step of its own."""
