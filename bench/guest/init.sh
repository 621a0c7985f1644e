#!/bin/busybox sh
# First process of the bench's guest: runs the rows named by rows= on the kernel's command line (all of them if it is
# absent) and marks on the serial line when each starts and ends, and what it computed. The host takes the time.
echo "@end power-on"
/bin/busybox --install -s
mount -t proc proc /proc

# As much text as the rows need, the same in every emulator: the kernel hands out what busybox itself is made of.
for i in 1 2 3 4 5 6 7 8 9; do cat /bin/busybox; done | head -c 16777216 > /data

sha256sum_row() { sha256sum /data | cut -c 1-16; }

md5sum_row() { cat /data /data /data /data | md5sum | cut -c 1-16; }

gzip_row() { head -c 8388608 /data | gzip -c | wc -c; }

shell_row() {
  i=0
  while [ $i -lt 100000 ]; do i=$((i + 1)); done
  echo $i
}

awk_row() { awk 'BEGIN { for (i = 1; i <= 1000000; i++) s += i / 3; printf "%.9f", s }'; }

fork_row() {
  i=0
  while [ $i -lt 500 ]; do
    /bin/busybox true
    i=$((i + 1))
  done
  echo $i
}

for row in sha256sum md5sum gzip shell awk fork; do
  case ",${rows:-$row}," in
    *,$row,*)
      echo "@start $row"
      value=$("${row}_row")
      echo "@end $row $value"
      ;;
  esac
done
echo "@done"
poweroff -f
