// Reports as JSON documents.
#include <utility>

#include "render/json_parts.hpp"
#include "salvage/render/parts.hpp"
#include "salvage/render/render.hpp"

namespace salvage::render {

std::string json(const partition::Layout& layout)
{
    Json out{{"schema", "salvage.layout/1"}};
    add_layout(out, layout);
    return dumped(out);
}

std::string json(const rescue::InspectReport& report)
{
    Json out{{"schema", "salvage.inspect/1"}};
    add_inspect(out, report);
    return dumped(out);
}

std::string json(const rescue::FooterReport& report)
{
    Json out{{"schema", "salvage.footer/1"}, {"source", to_json(report.source)}};
    out["footers"] = Json::array();
    for (std::size_t i = 0; i < report.search.footers.size(); ++i) {
        out["footers"].push_back(to_json(report.search.footers[i], &report.verdicts.at(i)));
    }
    out["decoys"] = Json::array();
    for (const auto& decoy : report.search.decoys) {
        out["decoys"].push_back(to_json(decoy));
    }
    out["searched"] = report.search.searched;
    return dumped(out);
}

std::string json(const rescue::Verdict& verdict)
{
    return dumped(to_json(verdict));
}

std::string json(const rescue::FindReport& report)
{
    Json out{{"schema", "salvage.find/1"}, {"source", {{"path", report.path}, {"size", report.size.value}}}};
    out["hits"] = Json::array();
    for (const auto& hit : report.hits) {
        out["hits"].push_back(
            {{"offset", hit.at.value},
             {"pattern", hit.pattern},
             {"partition", hit.partition.empty() ? Json(nullptr) : Json(hit.partition)},
             {"partition_offset", hit.partition.empty() ? Json(nullptr) : Json(hit.at_in_partition.value)},
             {"structure", hit.is_structure ? Json(*hit.is_structure) : Json(nullptr)},
             {"note", hit.note.empty() ? Json(nullptr) : Json(hit.note)}});
    }
    out["hits_not_listed"] = report.hits_not_listed;
    return dumped(out);
}

std::string json(const rescue::HexReport& report)
{
    Json out{{"schema", "salvage.hex/1"},
             {"source", {{"path", report.path}}},
             {"offset", report.at.value},
             {"place", report.place},
             {"bytes", to_hex(report.bytes)},
             {"extents", to_json(report.extents)},
             {"structure", report.structure.empty() ? Json(nullptr) : Json(report.structure)}};
    out["fields"] = Json::array();
    for (const auto& field : report.fields) {
        out["fields"].push_back({{"name", field.name},
                                 {"offset", (report.structure_at + ByteCount{field.range.start().value}).value},
                                 {"size", field.range.size().value},
                                 {"value", field.value},
                                 {"meaning", field.meaning},
                                 {"spec", field.spec}});
    }
    return dumped(out);
}

std::string json(const rescue::RescueReport& report)
{
    Json out{{"schema", "salvage.rescue/1"}};
    add_inspect(out, report.inspect);
    out["case"] = report.case_folder;
    out["report"] = report.report_path;
    out["report_html"] = report.page_path.empty() ? Json(nullptr) : Json(report.page_path);
    out["parts"] = report.parts_path.empty() ? Json(nullptr) : Json(report.parts_path);
    out["searched"] = report.searched;
    out["secret_file"] = report.secret_file.empty() ? Json(nullptr) : Json(report.secret_file);
    out["log"] = {{"records", report.log.records}, {"sha256", report.log.sha256}};
    out["export"] = nullptr;
    if (report.exported) {
        auto failed = Json::array();
        for (const auto& file : report.exported->failed) {
            failed.push_back({{"path", file.path}, {"reason", file.reason}});
        }
        out["export"] = {{"folder", report.files_path},
                         {"files", report.exported->files},
                         {"folders", report.exported->directories},
                         {"symlinks", report.exported->symlinks},
                         {"bytes", report.exported->bytes.value},
                         {"failed", failed}};
    }
    return dumped(out);
}

} // namespace salvage::render
