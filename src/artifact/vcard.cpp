// A contact as a vCard 4.0, RFC 6350.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "artifact/contact_store.hpp"
#include "artifact/forms.hpp"

namespace salvage::artifact {
namespace {

struct Type {
    std::string_view label;
    std::string_view parameter;
};
// RFC 6350, 5.6 and 6.4.1.
constexpr std::array types{Type{"home", ";TYPE=home"},
                           Type{"work", ";TYPE=work"},
                           Type{"mobile", ";TYPE=cell"},
                           Type{"mobile at work", ";TYPE=\"cell,work\""},
                           Type{"fax at work", ";TYPE=\"fax,work\""},
                           Type{"fax at home", ";TYPE=\"fax,home\""},
                           Type{"pager", ";TYPE=pager"},
                           Type{"pager at work", ";TYPE=\"pager,work\""},
                           Type{"other fax", ";TYPE=fax"},
                           Type{"main", ";TYPE=voice"},
                           Type{"other", ""},
                           Type{"", ""}};

class Card {
public:
    void add(std::string_view name, std::string_view value) { text_ += card_line(fmt::format("{}:{}", name, value)); }
    void add_if(std::string_view name, std::string_view value)
    {
        if (!value.empty()) {
            add(name, card_value(value));
        }
    }

    /// With what it is for.  The owner's own word is told by a group and a label, as other programs do.
    void add_labelled(std::string_view name, const std::string& value, const std::string& label)
    {
        const auto* const type = std::ranges::find(types, label, &Type::label);
        if (type != types.end()) {
            add(fmt::format("{}{}", name, type->parameter), value);
            return;
        }
        ++groups_;
        add(fmt::format("item{}.{}", groups_, name), value);
        add(fmt::format("item{}.X-ABLabel", groups_), card_value(label));
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    unsigned groups_{0};
};

std::string joined(std::initializer_list<std::string_view> parts)
{
    std::string out;
    bool is_first = true;
    for (const auto part : parts) {
        out += (is_first ? "" : ";") + card_value(part);
        is_first = false;
    }
    return out;
}

/// "1990-05-31" and "--05-31" without dashes; nothing for what is no day.  Spec: RFC 6350, 4.3.1.
std::optional<std::string> card_date(std::string_view text)
{
    const bool has_year = text.size() == 10 && text[4] == '-' && text[7] == '-';
    const bool has_no_year = text.size() == 7 && text.starts_with("--") && text[4] == '-';
    if (!has_year && !has_no_year) {
        return std::nullopt;
    }
    std::string digits;
    std::ranges::copy_if(text, std::back_inserter(digits), [](char letter) { return letter >= '0' && letter <= '9'; });
    if (digits.size() != (has_year ? 8U : 4U)) {
        return std::nullopt;
    }
    return has_year ? digits : "--" + digits;
}

void add_event(Card& card, const Labelled& event)
{
    const auto day = card_date(event.value);
    if (event.label == "birthday" || event.label == "anniversary") {
        const auto* const name = event.label == "birthday" ? "BDAY" : "ANNIVERSARY";
        card.add(day ? std::string{name} : fmt::format("{};VALUE=text", name), day ? *day : card_value(event.value));
        return;
    }
    card.add("X-ANDROID-EVENT", joined({event.label, event.value}));
}

void add_people_and_places(Card& card, const Contact& contact)
{
    for (const auto& phone : contact.phones) {
        card.add_labelled("TEL", card_value(phone.value), phone.label);
    }
    for (const auto& email : contact.emails) {
        card.add_labelled("EMAIL", card_value(email.value), email.label);
    }
    for (const auto& address : contact.addresses) {
        const bool has_parts =
            !(address.street + address.box + address.city + address.region + address.postcode + address.country)
                 .empty();
        const auto& street = has_parts ? address.street : address.formatted;
        card.add_labelled("ADR",
                          joined({address.box, address.neighbourhood, street, address.city, address.region,
                                  address.postcode, address.country}),
                          address.label);
    }
    for (const auto& one : contact.organisations) {
        if (!one.company.empty() || !one.department.empty()) {
            card.add("ORG", one.department.empty() ? card_value(one.company) : joined({one.company, one.department}));
        }
        card.add_if("TITLE", one.title);
    }
}

std::string_view picture_type(ByteView photo) noexcept
{
    return as_text(photo).starts_with("\x89PNG") ? "image/png" : "image/jpeg";
}

} // namespace

std::string to_vcard(const Contact& contact, ByteView photo)
{
    Card card;
    card.add("BEGIN", "VCARD");
    card.add("VERSION", "4.0");
    // Every card has a name, RFC 6350 6.2.1: of somebody without, the number or address stands for it.
    auto name = contact.display_name;
    for (const auto* const values : {&contact.phones, &contact.emails}) {
        name = name.empty() && !values->empty() ? values->front().value : name;
    }
    card.add("FN", card_value(name.empty() ? "unnamed" : name));
    if (!(contact.family + contact.given + contact.middle + contact.prefix + contact.suffix).empty()) {
        card.add("N", joined({contact.family, contact.given, contact.middle, contact.prefix, contact.suffix}));
    }
    for (const auto& nickname : contact.nicknames) {
        card.add_if("NICKNAME", nickname);
    }
    add_people_and_places(card, contact);
    for (const auto& messenger : contact.messengers) {
        card.add("X-ANDROID-IM", joined({messenger.label, messenger.value}));
    }
    for (const auto& website : contact.websites) {
        card.add_if("URL", website.value);
    }
    for (const auto& relation : contact.relations) {
        card.add("RELATED;VALUE=text",
                 card_value(relation.label.empty() ? relation.value : relation.value + " (" + relation.label + ")"));
    }
    for (const auto& event : contact.events) {
        add_event(card, event);
    }
    for (const auto& note : contact.notes) {
        card.add_if("NOTE", note);
    }
    std::string categories;
    for (const auto& group : contact.groups) {
        categories += (categories.empty() ? "" : ",") + card_value(group);
    }
    if (!categories.empty()) {
        card.add("CATEGORIES", categories);
    }
    if (!photo.empty()) {
        card.add("PHOTO", fmt::format("data:{};base64,{}", picture_type(photo), to_base64(photo)));
    }
    card.add("END", "VCARD");
    return card.text();
}

} // namespace salvage::artifact
