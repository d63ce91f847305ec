"""What an asynchronous endpoint is made of: one construct per module, each with the settings that it takes."""
