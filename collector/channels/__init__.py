"""One file per connector; docs/how-to/add-a-channel.md is the checklist for a new one."""
