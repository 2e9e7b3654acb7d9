#include "artifact/sms_xml.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "artifact/forms.hpp"

namespace salvage::artifact {
namespace {

std::string attribute(std::string_view name, std::string_view value)
{
    return fmt::format(" {}=\"{}\"", name, xml_text(value.substr(0, max_text_bytes)));
}

/// The program that reads it writes "null" where a value is none.
std::string nullable(std::string_view name, const std::optional<std::string>& value)
{
    return attribute(name, value ? std::string_view{*value} : std::string_view{"null"});
}

template <std::size_t Size>
std::optional<std::string> column(const Row& row, const std::array<std::string_view, Size>& columns,
                                  std::string_view name)
{
    const auto* const found = std::ranges::find(columns, name);
    const auto index = static_cast<std::size_t>(found - columns.begin());
    return index < row.values.size() ? row.text(index) : std::nullopt;
}

} // namespace

std::string sms_xml_head(std::size_t messages)
{
    return fmt::format("<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"{}\">\n", messages);
}

std::string sms_xml_tail()
{
    return "</smses>\n";
}

std::string sms_xml(const Message& message, const std::string& name)
{
    const auto value = [&](std::string_view wanted) { return column(message.row, sms_columns, wanted); };
    std::string out = "<sms";
    out += attribute("protocol", value("protocol").value_or("0"));
    out += attribute("address", message.address);
    out += attribute("date", std::to_string(message.date_ms.value_or(0)));
    out += attribute("type", value("type").value_or("1"));
    out += nullable("subject", value("subject"));
    out += attribute("body", message.body);
    out += attribute("toa", std::string_view{"null"}) + attribute("sc_toa", std::string_view{"null"});
    out += nullable("service_center", value("service_center"));
    out += attribute("read", value("read").value_or("1"));
    out += attribute("status", value("status").value_or("-1"));
    out += attribute("locked", value("locked").value_or("0"));
    out += attribute("date_sent", std::to_string(message.sent_ms.value_or(0)));
    out += attribute("sub_id", value("sub_id").value_or("-1"));
    out += attribute("readable_date", shown_time(message.date_ms));
    out += attribute("contact_name", std::string_view{name.empty() ? "(Unknown)" : name});
    return out + " />\n";
}

std::string mms_xml_head(const Message& message, const std::string& address, const std::string& name)
{
    std::string out = "<mms";
    out += attribute("date", std::to_string(message.date_ms.value_or(0)));
    out += attribute("date_sent", std::to_string(message.sent_ms.value_or(0) / 1000));
    out += attribute("address", address);
    out += attribute("sub", std::string_view{message.subject.empty() ? "null" : message.subject});
    for (const auto wanted : pdu_columns) {
        if (wanted != "thread_id" && wanted != "date" && wanted != "date_sent" && wanted != "sub") {
            out += nullable(wanted, column(message.row, pdu_columns, wanted));
        }
    }
    out += attribute("readable_date", shown_time(message.date_ms));
    out += attribute("contact_name", std::string_view{name.empty() ? "(Unknown)" : name});
    return out + ">\n<parts>\n";
}

std::string mms_xml_part(const MmsPart& part, const std::string& data)
{
    std::string out = "<part";
    for (const auto* const wanted : {"seq", "ct", "name", "chset", "cd", "fn", "cid", "cl", "ctt_s", "ctt_t", "text"}) {
        out += nullable(wanted, column(part.row, part_columns, wanted));
    }
    if (!data.empty()) {
        out += " data=\"" + data + '"';
    }
    return out + " />\n";
}

std::string mms_xml_tail(const Message& message)
{
    std::string out = "</parts>\n<addrs>\n";
    for (const auto& address : message.addresses) {
        out += "<addr" + attribute("address", address.address) + attribute("type", address.type) +
               attribute("charset", std::string_view{address.charset.empty() ? "106" : address.charset}) + " />\n";
    }
    return out + "</addrs>\n</mms>\n";
}

} // namespace salvage::artifact
