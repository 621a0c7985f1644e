import { bytesText } from './format.ts';
import type { RomFile } from './guest-files.ts';
import type { MachineCard } from './machines.ts';

interface MachineCardProps {
  readonly card: MachineCard;
  /** Of a default guest, once it is known. */
  readonly kernel: RomFile | undefined;
  readonly checked: boolean;
  onChoose(): void;
}

/** One machine of the start screen: a radio button with its data sheet. */
export function MachineCardChoice({ card, kernel, checked, onChoose }: MachineCardProps) {
  const parts = kernel
    ? [...card.parts, ['Kernel', `${kernel.version}, ${bytesText(kernel.size)}`] as const]
    : card.parts;
  return (
    <label className="card">
      <input type="radio" name="machine" value={card.id} checked={checked} onChange={onChoose} />
      <span className="card-title">{card.title}</span>
      <span className="card-summary">{card.summary}</span>
      <span className="card-parts">
        {parts.map(([label, value]) => (
          <span key={label} className="card-part">
            <span className="card-label">{label}</span> <span>{value}</span>
          </span>
        ))}
      </span>
    </label>
  );
}
