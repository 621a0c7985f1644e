import { useEffect, useEffectEvent, useRef, useState } from 'react';
import '../styles/sound-control.css';
import { type Player, play, type SoundSource } from './player.ts';

const KEY = 'lockstep.sound';

interface Setting {
  readonly volume: number;
  readonly muted: boolean;
}

/** Plays the machine's sound; volume and mute stay as the person left them. */
export function SoundControl({ source }: { readonly source: SoundSource }) {
  const [setting, setSetting] = useState(stored);
  const player = useRef<Player>(undefined);
  const level = setting.muted ? 0 : setting.volume;
  const levelAtStart = useEffectEvent(() => level);
  useEffect(() => {
    const started = play(source, levelAtStart());
    player.current = started;
    return () => started.close();
  }, [source]);

  const change = (to: Setting): void => {
    setSetting(to);
    player.current?.setVolume(to.muted ? 0 : to.volume);
    localStorage.setItem(KEY, JSON.stringify(to));
  };
  return (
    <div className="sound-control">
      <button
        type="button"
        className="tool"
        aria-pressed={setting.muted}
        onClick={() => change({ ...setting, muted: !setting.muted })}
      >
        Mute
      </button>
      <input
        type="range"
        aria-label="Volume"
        min={0}
        max={100}
        value={Math.round(setting.volume * 100)}
        onChange={(event) => change({ volume: Number(event.target.value) / 100, muted: false })}
      />
    </div>
  );
}

function stored(): Setting {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(KEY) ?? '') as Partial<Setting>;
    if (typeof volume === 'number' && volume >= 0 && volume <= 1) return { volume, muted: muted === true };
  } catch {
    // never set, or not by us
  }
  return { volume: 0.7, muted: false };
}
