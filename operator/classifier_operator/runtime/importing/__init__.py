"""Data that is fetched into S3: from where, how, and what is left over of uploads."""
