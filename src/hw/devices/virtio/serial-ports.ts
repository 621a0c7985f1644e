/** Ports of a virtio console device: `virtconsole` is a terminal (hvc) for the guest, `virtserialport` a channel of bytes. */
import type { Chardev, CharEvent } from '../../../chardev/api.ts';
import { nullChardev } from '../../../chardev/null.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { bool, survivesReset, vmstate } from '../../core/state.ts';
import type { VirtioSerialBus } from './virtio-serial.ts';

const UNSET = 0xffff_ffff;

const portType = (type: string, isConsole: boolean) =>
  defineDevice({
    type,
    desc: '',
    bus: 'virtio-serial-bus',
    props: {
      chardev: prop.link<Chardev>('chardev', nullChardev, 'ID of a chardev to use as a backend'),
      name: prop.string(''),
      nr: prop.u32(UNSET),
      parent: prop.required<VirtioSerialBus>(),
    },
    irqs: [],
    state: vmstate(type, 1, {
      /** The back end was closed: the guest hears of it. */
      closed: survivesReset(bool()),
    }),
    create(s, { chardev, name, nr, parent }) {
      const link = parent.plug(
        {
          isConsole,
          name,
          get isOpen() {
            return isConsole || (chardev !== nullChardev && !s.closed);
          },
          write(bytes) {
            for (const byte of bytes) chardev.write(byte);
          },
          accept: () => chardev.accept(),
        },
        nr === UNSET ? -1 : nr,
      );
      chardev.attach({
        room: () => link.room(),
        receive: (byte) => link.receive(Uint8Array.of(byte)),
        receiveMany: (bytes) => link.receive(bytes),
        event(event: CharEvent) {
          if (event === 'break' || isConsole) return;
          s.closed = event === 'closed';
          link.hostChanged();
        },
      });
      return { regions: {}, sync() {} };
    },
  });

export const virtconsole = portType('virtconsole', true);
export const virtserialport = portType('virtserialport', false);
