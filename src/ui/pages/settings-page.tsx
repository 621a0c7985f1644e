import { useId } from 'react';
import { changeSettings, fontSizes, type Settings, scalings, scalingTexts, themes } from '../settings.ts';
import { useDocumentTitle } from '../use-document-title.ts';
import { useSettings } from '../use-settings.ts';

const themeTexts = { system: 'As the system', light: 'Light', dark: 'Dark' } as const;

export function SettingsPage() {
  useDocumentTitle('Settings');
  const settings = useSettings();
  return (
    <div className="settings">
      <div className="section-head">
        <h1>Settings</h1>
      </div>
      <Choice
        legend="Colours"
        options={themes.map((theme) => [theme, themeTexts[theme]])}
        value={settings.theme}
        onChoose={(theme) => changeSettings({ theme })}
      />
      <Choice
        legend="Screen of the guest"
        options={scalings.map((scaling) => [scaling, scalingTexts[scaling]])}
        value={settings.scaling}
        onChoose={(scaling) => changeSettings({ scaling })}
      />
      <Switch
        label="Smooth edges"
        hint="Where the guest’s screen is not shown by whole pixels."
        setting="smooth"
        settings={settings}
      />
      <Choice
        legend="Text of the serial console"
        options={fontSizes.map((size) => [size, `${size}`])}
        value={settings.fontSize}
        onChoose={(fontSize) => changeSettings({ fontSize })}
      />
      <Switch
        label="Ask before a running machine is reset or powered off"
        hint="What the guest holds in memory is lost by either."
        setting="confirm"
        settings={settings}
      />
      <p className="lead">Settings are kept in this browser and are the same in all its tabs.</p>
    </div>
  );
}

interface ChoiceProps<T extends string | number> {
  readonly legend: string;
  readonly options: readonly (readonly [T, string])[];
  readonly value: T;
  onChoose(value: T): void;
}

function Choice<T extends string | number>({ legend, options, value, onChoose }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset className="field">
      <legend>{legend}</legend>
      <div className="segments">
        {options.map(([option, text]) => (
          <label key={option} className="segment">
            <input type="radio" name={name} checked={option === value} onChange={() => onChoose(option)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly hint: string;
  readonly setting: 'smooth' | 'confirm';
  readonly settings: Settings;
}

function Switch({ label, hint, setting, settings }: SwitchProps) {
  const id = useId();
  return (
    <div className="field switch">
      <input
        id={id}
        type="checkbox"
        checked={settings[setting]}
        aria-describedby={`${id}-hint`}
        onChange={({ target }) => changeSettings({ [setting]: target.checked })}
      />
      <label htmlFor={id}>{label}</label>
      <p id={`${id}-hint`}>{hint}</p>
    </div>
  );
}
