"""What a program uses: configuration, connection and the lake."""
