// The small files of a phone that are parsed by us: networks, apps, properties, bookmarks, a photo's head.
#include <array>
#include <cstdint>
#include <span>

#include "artifact/apps.hpp"
#include "artifact/browser.hpp"
#include "artifact/chat_store.hpp"
#include "artifact/forms.hpp"
#include "artifact/phone.hpp"
#include "artifact/wifi.hpp"
#include "require.hpp"
#include "salvage/artifact/exif.hpp"
#include "salvage/core/utf8.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto text = as_text(bytes);
    for (const auto& network : artifact::parse_wpa_supplicant(text)) {
        fuzz::require(!network.name.empty());
    }
    static_cast<void>(artifact::parse_wifi_config_store(text));
    static_cast<void>(artifact::parse_packages_xml(text));
    static_cast<void>(artifact::parse_chrome_bookmarks(text));
    static_cast<void>(artifact::parse_build_prop(text));
    static_cast<void>(artifact::parse_persistent_properties(bytes));
    fuzz::require(artifact::media_path_in(bytes).size() <= size);
    const auto facts = artifact::parse_photo_facts(bytes);
    if (facts.has_value()) {
        fuzz::require(facts->orientation >= 1 && facts->orientation <= 8);
        fuzz::require(!facts->thumbnail || facts->thumbnail->end().value <= size);
    }
    const auto put_right = artifact::as_utf8(text);
    fuzz::require(is_utf8(put_right));
    fuzz::require(is_utf8(artifact::xml_text(text)) && is_utf8(artifact::card_value(text)));
    fuzz::require(artifact::card_line(artifact::card_value(text)).find("\n\n") == std::string::npos);
    fuzz::require(artifact::cut_text(put_right, size / 2).size() <= size / 2 &&
                  is_utf8(artifact::cut_text(put_right, size / 2)));
    const std::array cells{std::string{text}};
    fuzz::require(artifact::csv_line(cells).find_first_of("=@") != 0);
    static_cast<void>(artifact::undo_latin1(std::string{text}));
    return 0;
}
