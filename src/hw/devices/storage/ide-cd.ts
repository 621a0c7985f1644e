/** A CD-ROM drive on an IDE bus or behind a SATA port; its commands are in `atapi.ts`. */
import { defineDevice } from '../../core/device.ts';
import { vmstate } from '../../core/state.ts';
import { AtaUnit } from './ata-unit.ts';
import { cdFields, createCdDrive } from './atapi.ts';
import { checkBlockSizes, checkTexts, firmwareNode, ideProps, madeUpSerial, placeOf } from './ide-props.ts';

export const ideCd = defineDevice({
  type: 'ide-cd',
  desc: 'virtual IDE CD-ROM',
  bus: 'IDE',
  props: ideProps,
  irqs: [],
  state: vmstate('ide-cd', 1, cdFields),
  create(s, props) {
    const { id, drive, parent, model, ver } = props;
    checkBlockSizes(id, props.logical_block_size, props.physical_block_size);
    checkTexts(id, props);
    const unit = new AtaUnit(s, drive);
    const place = parent.plug(unit, placeOf(props.unit));
    const cd = createCdDrive(s, unit, drive, {
      serial: props.serial || drive?.serial || madeUpSerial(place.number),
      version: ver,
      model: model || 'QEMU DVD-ROM',
      ncqDepth: parent.ncqDepth ?? 0,
    });
    unit.become(cd);
    drive?.attach({
      completed: (request, error, data) => unit.completed(request, error, data),
      mediumChanged: () => cd.mediumChanged(),
      ejectRequested: () => cd.ejectRequested(),
    });
    return {
      regions: {},
      unit,
      firmware: firmwareNode(parent, place.unit, props.bootindex),
      reset: () => unit.reset(),
      sync() {},
    };
  },
});
