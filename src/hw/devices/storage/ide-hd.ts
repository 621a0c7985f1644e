/** A hard disk on an IDE bus or behind a SATA port; its commands are in `ata-disk.ts`. */
import { VmError } from '../../../util/errors.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { vmstate } from '../../core/state.ts';
import { SECTOR_BYTES } from './ata.ts';
import { createAtaDisk, diskFields } from './ata-disk.ts';
import { AtaUnit } from './ata-unit.ts';
import { diskGeometry } from './disk-geometry.ts';
import { checkBlockSizes, checkTexts, firmwareNode, ideProps, madeUpSerial, placeOf } from './ide-props.ts';

export const ideHd = defineDevice({
  type: 'ide-hd',
  desc: 'virtual IDE disk',
  bus: 'IDE',
  props: { ...ideProps, cyls: prop.u32(0), heads: prop.u32(0), secs: prop.u32(0) },
  irqs: [],
  state: vmstate('ide-hd', 1, diskFields),
  create(s, props) {
    const { id, drive, parent, model, ver } = props;
    if (drive === null) throw new VmError(`device '${id}': No drive specified`);
    if (!drive.inserted) throw new VmError(`device '${id}': Device needs media, but drive is empty`);
    if (drive.readonly) throw new VmError(`device '${id}': Block node is read-only`);
    checkBlockSizes(id, props.logical_block_size, props.physical_block_size);
    checkTexts(id, props);
    const geometry = diskGeometry(id, props, drive.sizeBytes, drive.bootSector);
    const unit = new AtaUnit(s, drive);
    const place = parent.plug(unit, placeOf(props.unit));
    const serial = props.serial || drive.serial || madeUpSerial(place.number);
    unit.become(
      createAtaDisk(s, unit, drive, {
        geometry,
        get sectorCount() {
          return Math.floor(drive.sizeBytes / SECTOR_BYTES);
        },
        serial,
        version: ver,
        model: model || 'QEMU HARDDISK',
        physicalExponent: Math.log2(props.physical_block_size / SECTOR_BYTES),
        ncqDepth: parent.ncqDepth ?? 0,
      }),
    );
    drive.attach({ completed: (request, error, data) => unit.completed(request, error, data) });
    return {
      regions: {},
      unit,
      geometry,
      place: { bus: parent.name, unit: place.unit },
      firmware: firmwareNode(parent, place.unit, props.bootindex),
      reset: () => unit.reset(),
      sync() {},
    };
  },
});
