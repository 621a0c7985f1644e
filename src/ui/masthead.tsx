/** Name and claim, at the top of the start screen. */
export function Masthead() {
  return (
    <header className="masthead">
      <svg viewBox="0 0 64 64" width="44" height="44" aria-hidden="true">
        <rect x="4" y="10" width="56" height="40" rx="6" className="masthead-case" />
        <path d="M14 22l9 8-9 8M30 38h16" className="masthead-prompt" />
        <path d="M22 57h20" className="masthead-foot" />
      </svg>
      <div>
        <h1>Lockstep</h1>
        <p>A PC in this tab. Every instruction translated, counted and run by your browser.</p>
      </div>
    </header>
  );
}
