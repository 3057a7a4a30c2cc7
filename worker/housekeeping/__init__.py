"""What nobody asks for and somebody must do: wake the unmoved, let old content go, watch, raise alarms."""
