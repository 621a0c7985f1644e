/** How a virtio device becomes a PCI device type: what all of them have in common is added here. */

import { VmError } from '../../../util/errors.ts';
import {
  type DeviceBus,
  type DeviceType,
  defineDevice,
  type FirmwareNode,
  type Parts,
  type Wiring,
} from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { type Props, prop } from '../../core/props.ts';
import { type Fields as AnyFields, bytes, type StateOf, struct, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { FEATURE } from './constants.ts';
import { VirtioCore, type VirtioModel, virtioState } from './core.ts';
import { modernCapabilities, PciTransport, transportState } from './pci-transport.ts';

const VENDOR_RED_HAT = 0x1af4;
/** §4.1.2: a modern device's identification is this plus its device type's number. */
const MODERN_DEVICE_ID = 0x1040;
/** QEMU's subsystem identification of devices without the legacy interface. */
const MODERN_SUBSYSTEM = { vendor: VENDOR_RED_HAT, device: 0x1100 } as const;

const commonProps = {
  'disable-legacy': prop.oneOf('OnOffAuto', ['auto', 'on', 'off'], 'auto'),
  'disable-modern': prop.bool(false),
  indirect_desc: prop.bool(true),
  event_idx: prop.bool(true),
  notify_on_empty: prop.bool(true),
  any_layout: prop.bool(true),
  dma: prop.required<Dma>(),
};
type CommonProps = typeof commonProps;

/** What a device type's own part may use. */
export interface VirtioParts<M extends VirtioModel> {
  readonly model: M;
  readonly buses?: readonly DeviceBus[];
  readonly firmware?: FirmwareNode;
}

export interface VirtioPciType<F extends AnyFields, P extends Props, M extends VirtioModel> {
  /** QEMU's name: `virtio-blk-pci`. */
  readonly type: string;
  readonly desc?: string;
  /** Number of the device type, chapter 5. */
  readonly deviceId: number;
  /** §4.1.2.1: PCI device identification of the transitional device; absent: there is no legacy interface. */
  readonly transitionalId?: number;
  readonly classCode: number;
  /** How many queues it may have at most. */
  readonly maxQueues: number;
  readonly props: P;
  readonly state: F;
  create(state: StateOf<F>, wiring: Wiring<P, never>, core: VirtioCore): VirtioParts<M>;
}

export interface VirtioPciParts<M extends VirtioModel> extends Parts {
  readonly pci: PciFunction;
  readonly model: M;
}

export function defineVirtioPci<F extends AnyFields, P extends Props, M extends VirtioModel>(
  type: VirtioPciType<F, P, M>,
): DeviceType<AnyFields, CommonProps & P, never, VirtioPciParts<M>> {
  const virtio = virtioState(type.maxQueues);
  const own = struct(type.state);
  const fields = { config: bytes(CONFIG_BYTES), transport: transportState, virtio, device: own };
  return defineDevice({
    type: type.type,
    desc: type.desc ?? '',
    bus: 'PCI',
    props: { ...commonProps, ...type.props },
    irqs: [],
    state: vmstate(type.type, 1, fields),
    create(s, given) {
      const common = given as unknown as Wiring<CommonProps, never>;
      const { id, log, dma } = common;
      const { legacy, modern } = interfacesOf(type, common);
      const transport = new PciTransport(s.transport);
      const core: VirtioCore = new VirtioCore(s.virtio, {
        id,
        dma,
        log,
        transport,
        features: [
          ...(common.indirect_desc ? [FEATURE.RING_INDIRECT_DESC] : []),
          ...(common.event_idx ? [FEATURE.RING_EVENT_IDX] : []),
          ...(common.notify_on_empty ? [FEATURE.NOTIFY_ON_EMPTY] : []),
          ...(common.any_layout ? [FEATURE.ANY_LAYOUT] : []),
          ...(modern ? [FEATURE.VERSION_1] : []),
        ],
        resetState() {
          transportState.reset?.(s.transport);
          virtio.reset?.(s.virtio);
          own.reset?.(s.device);
          transport.sync();
        },
      });
      const { model, buses, firmware } = type.create(s.device, given as unknown as Wiring<P, never>, core);
      core.connect(model);
      const pci = new PciFunction(s.config, {
        vendorId: VENDOR_RED_HAT,
        deviceId: legacy ? (type.transitionalId ?? 0) : MODERN_DEVICE_ID + type.deviceId,
        revision: legacy ? 0 : 1, // §4.1.2.1 and §4.1.2.3
        classCode: type.classCode,
        subsystem: legacy ? { vendor: VENDOR_RED_HAT, device: type.deviceId } : MODERN_SUBSYSTEM,
        interruptPin: 1,
        bars: transport.bars({ legacy, modern, configBytes: model.configBytes }),
        capabilities: modern ? modernCapabilities() : [],
      });
      transport.connect(core, pci);
      pci.onWrite = (offset, size) => transport.configWritten(s.config, offset, size);
      if (modern) pci.onRead = (offset, size) => transport.readWindow(s.config, offset, size);
      return {
        regions: {},
        pci,
        model,
        ...(buses !== undefined && { buses }),
        ...(firmware !== undefined && { firmware }),
        reset() {
          pci.reset();
          core.afterReset();
        },
        sync() {
          pci.sync();
          transport.sync();
          core.resume();
        },
      };
    },
  });
}

function interfacesOf(
  { type, transitionalId }: { readonly type: string; readonly transitionalId?: number },
  props: Wiring<CommonProps, never>,
): { legacy: boolean; modern: boolean } {
  const legacy = transitionalId !== undefined && props['disable-legacy'] !== 'on';
  const modern = !props['disable-modern'];
  if (!legacy && !modern) {
    throw new VmError(`device '${type}' cannot work as neither modern nor legacy mode is enabled`, {
      hint: "Set either disable-legacy or disable-modern to 'off'",
    });
  }
  return { legacy, modern };
}
