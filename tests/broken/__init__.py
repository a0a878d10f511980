"""Deliberately broken backends, each wrong in one way; the kit has to catch every one."""
