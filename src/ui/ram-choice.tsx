import { ramChoices } from './machines.ts';

interface RamChoiceProps {
  readonly value: number;
  readonly disabled: boolean;
  onChoose(ramMiB: number): void;
}

export function RamChoice({ value, disabled, onChoose }: RamChoiceProps) {
  return (
    <fieldset className="sheet-row" disabled={disabled}>
      <legend>Memory, MiB</legend>
      <div className="segments">
        {ramChoices.map((size) => (
          <label key={size} className="segment">
            <input type="radio" name="ram" checked={size === value} onChange={() => onChoose(size)} />
            <span>{size}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
