"""What passes between cells and along a process: gap junctions, diffusion, and their exact exchange."""
