// Light, dark, or as the system has it; kept in this browser.
import { useState } from 'preact/hooks';

type Theme = 'system' | 'light' | 'dark';
const slot = 'salvage.theme';

function chosen(): Theme {
  const value = document.documentElement.dataset['chosen'];
  return value === 'light' || value === 'dark' ? value : 'system';
}

function apply(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset['chosen'];
  } else {
    document.documentElement.dataset['chosen'] = theme; // theme.js shows it
  }
  try {
    localStorage.setItem(slot, theme);
  } catch {
    // Storage is switched off: the choice holds for this tab.
  }
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(chosen);
  const change = (event: Event) => {
    const value = (event.currentTarget as HTMLSelectElement).value as Theme;
    apply(value);
    setTheme(value);
  };
  return (
    <label class="theme">
      <span>Colours</span>
      <select value={theme} onChange={change}>
        <option value="system">system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}
