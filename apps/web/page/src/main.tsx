import { render } from 'preact';
import { start } from './api/state';
import { App } from './app';
import './style/base.css';
import './style/progress.css';
import './style/parts.css';
import './style/taking.css';
import './style/pages.css';
import './style/bytes.css';
import './style/pictures.css';
import './style/items.css';

const root = document.getElementById('page');
if (root) {
  render(<App />, root);
}
void start();
