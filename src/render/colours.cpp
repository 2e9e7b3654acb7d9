#include "render/colours.hpp"

namespace salvage::render {

std::string_view colour_tokens() noexcept
{
    return
        R"css(:root{--ground:#fff;--raised:#f4f5f7;--text:#1b1f24;--faint:#57606a;--line:#8b949e;--soft:#d0d7de;
--accent:#0550ae;--good:#116329;--warn:#7a4a00;--danger:#b3141d;
--enc:#b8860b;--plain:#3f5a80;--zero:#0b2545;--hatch:#57606a;
--f0:#dbe9ff;--f1:#fff0c7;--f2:#d7f5df;--f3:#fde0e6;--f4:#e8e2fb}
@media (prefers-color-scheme:dark){:root{--ground:#14171c;--raised:#1d2127;--text:#e6e9ed;--faint:#a3adb8;--line:#7d8792;
--soft:#3a414a;--accent:#79b8ff;--good:#6fdd8b;--warn:#f0b95a;--danger:#ff8182;
--enc:#d4a72c;--plain:#6f8fbd;--zero:#24446e;--hatch:#a3adb8;
--f0:#1f3a63;--f1:#4d3d0c;--f2:#1c4a2a;--f3:#5a2530;--f4:#3c3166}}
)css";
}

} // namespace salvage::render
