#!/usr/bin/env bash
# One would guess: a reader of tar gives each file the name that `tar` gave it, and an error where the archive ends inside a file.
# What happens: `Gem::Package::TarReader` of Ruby 3.1 (RubyGems 3.3), the reader that Ruby has with it, knows neither the long names of GNU nor those of pax: it hands out an entry more, whose content is
# the name (typeflag L or x), and then the file under the first 100 bytes of its path. Files in a deep folder that differ behind them have one name. `ustar` has up to 255 bytes and is read well.
# A file in which the archive ends is as long as there were bytes, `read` and the block of `each` end as usual, and nothing is raised.
# Who meets it: scripts in Ruby that unpack exports and layers of images, or read a stream of tar. What helps: compare `read.bytesize` with `entry.header.size`, and
# refuse typeflag L and x; or let the program `tar` read.
set -euo pipefail
RUBY=3.1.7+really3.1.2-0+deb12u1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "ruby3.1=$RUBY" "libruby3.1=$RUBY" 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
native=$(find "$dir/root" -name 'libruby-3.1.so.3.1' -printf '%h\n')
export LD_LIBRARY_PATH=$native RUBYLIB=$dir/root/usr/lib/ruby/3.1.0:$native/ruby/3.1.0
cat >read.rb <<'RB'
require 'rubygems/package'
Gem::Package::TarReader.new(File.open(ARGV[0], 'rb')) do |archive|
  archive.each do |entry|
    bytes = entry.read
    puts "  typeflag #{entry.header.typeflag}, a name of #{entry.full_name.bytesize} bytes that ends in #{entry.full_name[-5..]}, #{bytes.bytesize} of #{entry.header.size} bytes"
  end
  puts '  end'
end
RB
folder=$(printf 'd%.0s' {1..95})
mkdir "$folder"
seq 1000 >"$folder/january.csv"
seq 1001 2000 >"$folder/january-late.csv"
touch -d @0 "$folder"/*
tar --format=gnu -cf gnu.tar "$folder/january.csv" "$folder/january-late.csv"
tar --format=pax --pax-option=delete=atime,delete=ctime -cf pax.tar "$folder/january.csv" "$folder/january-late.csv"
tar --format=ustar -cf ustar.tar "$folder/january.csv" "$folder/january-late.csv"
# The header takes 512 bytes; 1,000 of the first file's 3,893 follow.
head -c 1512 ustar.tar >cut.tar
echo "Ruby $(root/usr/bin/ruby3.1 --disable-gems -e 'print RUBY_VERSION'); paths of 107 and 112 bytes"
for archive in gnu pax ustar cut; do
  echo "$archive:"
  root/usr/bin/ruby3.1 --disable-gems read.rb $archive.tar || echo '  error'
done | tee seen
cat >expected <<'TEXT'
gnu:
  typeflag L, a name of 13 bytes that ends in gLink, 108 of 108 bytes
  typeflag 0, a name of 100 bytes that ends in /janu, 3893 of 3893 bytes
  typeflag L, a name of 13 bytes that ends in gLink, 113 of 113 bytes
  typeflag 0, a name of 100 bytes that ends in /janu, 5000 of 5000 bytes
  end
pax:
  typeflag x, a name of 100 bytes that ends in /PaxH, 117 of 117 bytes
  typeflag 0, a name of 100 bytes that ends in /janu, 3893 of 3893 bytes
  typeflag x, a name of 100 bytes that ends in /PaxH, 122 of 122 bytes
  typeflag 0, a name of 100 bytes that ends in /janu, 5000 of 5000 bytes
  end
ustar:
  typeflag 0, a name of 107 bytes that ends in y.csv, 3893 of 3893 bytes
  typeflag 0, a name of 112 bytes that ends in e.csv, 5000 of 5000 bytes
  end
cut:
  typeflag 0, a name of 107 bytes that ends in y.csv, 1000 of 3893 bytes
  end
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
