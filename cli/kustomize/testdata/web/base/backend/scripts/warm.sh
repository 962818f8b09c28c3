#!/bin/sh
echo "<warm> & well"
