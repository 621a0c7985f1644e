/**
 * What the machines start from and where it comes from: named Debian packages. Nothing of it is committed; `roms/fetch.ts`
 * puts it into `roms/out/`. Firmware is guest ABI and therefore pinned; a kernel moves on with its security updates.
 */

/** The last Debian release with kernels for i386. */
export const SUITE = 'bookworm';

export type Architecture = 'i386';

export interface RomFile {
  /** Its stable name in `roms/out/`. */
  readonly name: string;
  /** Debian package; `*` stands for a run of digits, and the highest number available is taken. */
  readonly package: string;
  /** Seen to work. A pinned file of another version is taken with a warning. */
  readonly version?: string;
  /** Architecture of the index to look in; packages for all architectures are in each. */
  readonly architecture: Architecture;
  /** Path in the package, `*` as in `package`. */
  readonly path: string;
  /** Of the extracted file, where it is pinned. */
  readonly sha256?: string;
  readonly licence: string;
  readonly purpose: string;
  /** Of a package so large that it is fetched only when asked for: `npm run roms -- --all`. */
  readonly onDemand?: true;
}

const seabios = {
  package: 'seabios',
  version: '1.16.2-1',
  architecture: 'i386',
  licence: 'LGPL-3.0-only',
} as const;

const optionRoms = {
  package: 'qemu-system-data',
  version: '1:7.2+dfsg-7+deb12u18',
  architecture: 'i386',
  licence: 'GPL-2.0-or-later',
} as const;

/** Drivers of the default guest's kernel that are modules, with what they need, in the order in which they load. */
const MODULES = [
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
  'drivers/char/hw_random/virtio-rng',
  'drivers/char/virtio_console',
  'drivers/virtio/virtio_balloon',
  'lib/crc64',
  'lib/crc64-rocksoft',
  'crypto/crct10dif_common',
  'lib/crc-t10dif',
  'block/t10-pi',
  'drivers/scsi/scsi_common',
  'drivers/scsi/scsi_mod',
  'drivers/scsi/sd_mod',
  'drivers/cdrom/cdrom',
  'drivers/scsi/sr_mod',
  'drivers/scsi/virtio_scsi',
  'fs/netfs/netfs',
  'fs/fscache/fscache',
  'net/9p/9pnet',
  'net/9p/9pnet_virtio',
  'fs/9p/9p',
  'crypto/crc32c_generic',
  'lib/crc16',
  'fs/mbcache',
  'fs/jbd2/jbd2',
  'fs/ext4/ext4',
  'fs/isofs/isofs',
  'drivers/input/evdev',
  'drivers/virtio/virtio_input',
] as const;

/** The same for keyboard and mouse on the USB, */
const USB_MODULES = [
  'drivers/usb/common/usb-common',
  'drivers/usb/core/usbcore',
  'drivers/usb/host/uhci-hcd',
  'drivers/hid/hid',
  'drivers/hid/hid-generic',
  'drivers/hid/usbhid/usbhid',
] as const;
/** for disks, CD-ROMs and floppies behind IDE, AHCI, NVMe and the floppy controller, */
const STORAGE_MODULES = [
  'drivers/ata/libata',
  'drivers/ata/ata_piix',
  'drivers/ata/libahci',
  'drivers/ata/ahci',
  'drivers/block/floppy',
  'drivers/nvme/host/nvme-core',
  'drivers/nvme/host/nvme',
] as const;
/** and for sound, with the devices of OSS, to which one writes samples. */
const SOUND_MODULES = [
  'sound/soundcore',
  'sound/core/snd',
  'sound/core/snd-timer',
  'sound/core/snd-pcm',
  'sound/ac97_bus',
  'sound/pci/ac97/snd-ac97-codec',
  'sound/pci/snd-intel8x0',
  'sound/core/oss/snd-mixer-oss',
  'sound/core/oss/snd-pcm-oss',
] as const;

const moduleFile = (path: string): string => `modules-i386/${path.split('/').at(-1)}.ko`;

/** Names of the modules' files in `roms/out/`, in the order in which they load. */
export const MODULE_FILES: readonly string[] = MODULES.map(moduleFile);
export const USB_MODULE_FILES: readonly string[] = [...USB_MODULES, 'drivers/input/evdev'].map(moduleFile);
export const STORAGE_MODULE_FILES: readonly string[] = [
  ...MODULES.filter((path) => /crc64|t10|scsi_(common|mod)|s[dr]_mod|cdrom/.test(path)),
  ...STORAGE_MODULES,
].map(moduleFile);
export const SOUND_MODULE_FILES: readonly string[] = SOUND_MODULES.map(moduleFile);

const modules = [...MODULES, ...USB_MODULES, ...STORAGE_MODULES, ...SOUND_MODULES].map(
  (path): RomFile => ({
    name: moduleFile(path),
    package: 'linux-image-6.1.0-*-686',
    architecture: 'i386',
    path: `lib/modules/6.1.0-*-686/kernel/${path}.ko`,
    licence: 'GPL-2.0-only',
    purpose: 'driver of the default guest, for the tests of devices',
  }),
);

const grubRescue = {
  package: 'grub-rescue-pc',
  architecture: 'i386',
  licence: 'GPL-3.0-or-later',
} as const;

/** The text installer's kernel and root file system; the package also holds the graphical one and weighs 100 MB. */
const installer = {
  package: 'debian-installer-12-netboot-i386',
  architecture: 'i386',
  licence: 'GPL-2.0-or-later',
  onDemand: true,
} as const;
const INSTALLER_FOLDER = 'usr/lib/debian-installer/images/12/i386/text/debian-installer/i386';

export const ROMS: readonly RomFile[] = [
  {
    ...seabios,
    name: 'bios.bin',
    path: 'usr/share/seabios/bios.bin',
    sha256: '7ba476745bd8d32d66b7a5bd12999e2445e7a345a4a72c30352b1d4a69a26e88',
    purpose: 'SeaBIOS, 128 KiB: firmware of isapc and of machines before pc-i440fx-2.0',
  },
  {
    ...seabios,
    name: 'bios-256k.bin',
    path: 'usr/share/seabios/bios-256k.bin',
    sha256: '2da2018c7555e50b660a84a273a14a79cb87b9070fe6a90e9f151a53e357f7e6',
    purpose: 'SeaBIOS, 256 KiB: firmware of pc and q35',
  },
  {
    ...seabios,
    name: 'vgabios-stdvga.bin',
    path: 'usr/share/seabios/vgabios-stdvga.bin',
    sha256: 'cc2f735f19b6318922ac3de9506dee498f149a6b75534f7e5c176d4441a7fa4a',
    purpose: 'VGA BIOS of the std display adapter',
  },
  {
    ...seabios,
    name: 'vgabios-cirrus.bin',
    path: 'usr/share/seabios/vgabios-cirrus.bin',
    sha256: '0e9261c2cc2871db3da11d39b181021de5f6caaac323b47efdad95defb8ba2f7',
    purpose: 'VGA BIOS of the Cirrus display adapter',
  },
  {
    ...seabios,
    name: 'vgabios-ramfb.bin',
    path: 'usr/share/seabios/vgabios-ramfb.bin',
    sha256: '9511277d6372687aefdd6862e29344782854080b5fed23cee6ad6ea49526a0f8',
    purpose: 'VGA BIOS of ramfb',
  },
  {
    ...seabios,
    name: 'vgabios.bin',
    path: 'usr/share/seabios/vgabios-isavga.bin',
    sha256: '26f5061af797a5537df089025938fa3587c38c2270ec8d77fa384c4563eb834c',
    purpose: 'VGA BIOS of the std display adapter of isapc',
  },
  {
    ...optionRoms,
    name: 'linuxboot_dma.bin',
    path: 'usr/share/qemu/linuxboot_dma.bin',
    sha256: '388e7e5dc15ac1884cd5a65cccee09ff68837a50da41228f88a0fd45f4f2ff7d',
    purpose: 'option ROM by which firmware starts a Linux kernel',
  },
  {
    ...optionRoms,
    name: 'multiboot.bin',
    path: 'usr/share/qemu/multiboot.bin',
    sha256: '13a3f9f119797b8776105f020f36572ce6a20fa2c60d3b8112818bfaefcdd348',
    purpose: 'option ROM by which firmware starts a multiboot kernel',
  },
  {
    name: 'vmlinuz-i386',
    package: 'linux-image-6.1.0-*-686',
    architecture: 'i386',
    path: 'boot/vmlinuz-6.1.0-*-686',
    licence: 'GPL-2.0-only',
    purpose: 'kernel of the default guest (i686, no PAE)',
  },
  {
    name: 'busybox-i386',
    package: 'busybox-static',
    architecture: 'i386',
    path: 'bin/busybox',
    licence: 'GPL-2.0-only',
    purpose: 'user land of the default guest, statically linked',
  },
  {
    name: 'e2fsck-i386',
    package: 'e2fsck-static',
    architecture: 'i386',
    path: 'sbin/e2fsck.static',
    licence: 'GPL-2.0-only',
    purpose: 'judge of file systems that guests wrote, statically linked',
  },
  {
    ...grubRescue,
    name: 'grub-rescue-floppy.img',
    path: 'usr/lib/grub-rescue/grub-rescue-floppy.img',
    purpose: 'a floppy disk that boots, for the tests of disks',
  },
  {
    ...grubRescue,
    name: 'grub-rescue-cdrom.iso',
    path: 'usr/lib/grub-rescue/grub-rescue-cdrom.iso',
    purpose: 'a CD, and a hard disk, that boots',
  },
  {
    name: 'memtest86+ia32.bin',
    package: 'memtest86+',
    architecture: 'i386',
    path: 'boot/memtest86+ia32.bin',
    licence: 'GPL-2.0-only',
    purpose: 'gallery: Memtest86+',
  },
  {
    name: 'ipxe.lkrn',
    package: 'ipxe',
    architecture: 'i386',
    path: 'boot/ipxe.lkrn',
    licence: 'GPL-2.0-or-later',
    purpose: 'gallery: iPXE',
  },
  {
    name: 'invaders.exec',
    package: 'grub-invaders',
    architecture: 'i386',
    path: 'boot/invaders.exec',
    licence: 'GPL-2.0-or-later',
    purpose: 'gallery: GRUB Invaders',
  },
  {
    ...installer,
    name: 'debian-installer-linux',
    path: `${INSTALLER_FOLDER}/linux`,
    purpose: 'gallery: kernel of the Debian installer',
  },
  {
    ...installer,
    name: 'debian-installer-initrd.gz',
    path: `${INSTALLER_FOLDER}/initrd.gz`,
    purpose: 'gallery: root file system of the Debian installer',
  },
  ...modules,
];
